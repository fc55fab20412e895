// SPDX-License-Identifier: MIT
// Include after `s`, `square` and the params `width`, `skip` and `scale`; ptr too.

// The scaled squared distance of row i and row begin + j of its segment; twin: wn_gap().
float wn_gap(int begin, int i, int j)
{
    precise const float both = square[i] + square[begin + j];
    precise const float twice = 2.0 * s[(i - ptr[0] - p.skip) * p.width + j];
    precise const float d = both - twice;
    precise const float y = p.scale * (d > 0.0 ? d : 0.0);
    return y;
}
