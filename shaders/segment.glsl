// SPDX-License-Identifier: MIT
// Include after the declaration of `int ptr[]`.

// The segment of row i: the last s with ptr[s] <= i, so empty segments own nothing.
// Needs 0 <= i < ptr[n].
int wn_segment(int i, int n)
{
    int lo = 0, hi = n;

    while (hi - lo > 1) {
        const int mid = (lo + hi) >> 1;
        if (ptr[mid] <= i)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}
