// SPDX-License-Identifier: MIT
// Include after `s` and the params `width` and `scale`.

// The scaled squared distance of row i and row begin + j of its segment; twin: wn_gap().
float wn_gap(int begin, int i, int j)
{
    precise const float both = s[i * p.width + i - begin] + s[(begin + j) * p.width + j];
    precise const float twice = 2.0 * s[i * p.width + j];
    precise const float d = both - twice;
    precise const float y = p.scale * (d > 0.0 ? d : 0.0);
    return y;
}
