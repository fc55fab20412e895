// SPDX-License-Identifier: MIT
// The tree that ends a sum in lanes; twin: wn_dot(). Define WN_SUM (float or a vector of sums)
// before. Plain shared memory, so that any subgroup size gives the same bits.
shared WN_SUM wn_lane[WN_LANES];

// Every invocation of the workgroup calls it, with its lane; all get the sum.
WN_SUM wn_tree(WN_SUM v)
{
    const uint l = gl_LocalInvocationID.x;

    barrier(); // the sum before this one has been read
    wn_lane[l] = v;
    barrier();
    for (uint h = WN_LANES / 2; h > 0; h /= 2) {
        if (l < h) {
            precise const WN_SUM s = wn_lane[l] + wn_lane[l + h];
            wn_lane[l] = s;
        }
        barrier();
    }
    return wn_lane[0];
}
