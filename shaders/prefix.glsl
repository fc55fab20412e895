// SPDX-License-Identifier: MIT
// Prefix sums over a workgroup of THREADS invocations.
shared int wn_sums[THREADS];

// The sum of v over the invocations before this one; adds the sum over all of them to `total`.
// Every invocation calls it.
int wn_prefix(int v, inout int total)
{
    const int l = int(gl_LocalInvocationID.x);

    barrier(); // the sums before these have been read
    wn_sums[l] = v;
    barrier();
    for (int step = 1; step < THREADS; step *= 2) {
        const int left = l >= step ? wn_sums[l - step] : 0;
        barrier();
        wn_sums[l] += left;
        barrier();
    }
    total += wn_sums[THREADS - 1];
    return wn_sums[l] - v;
}
