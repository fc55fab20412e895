// SPDX-License-Identifier: MIT
// Include after the declaration of `int ptr[]`; params have n rows of a strip, and `skip`.

// The row of place r of the strip, or WN_NONE where there is none; n_segments: of ptr.
int wn_strip_row(int r, int n_segments)
{
    const int i = ptr[0] + p.skip + r;

    return r < p.n && i < ptr[n_segments] ? i : WN_NONE;
}
