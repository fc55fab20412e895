// SPDX-License-Identifier: MIT
// Include after `s` and the param `dim`, with THREADS a multiple of WN_LANES defined.

#define WN_PRODUCTS 32
#define WN_PRODUCT_COLS (WN_PRODUCTS * WN_LANES / THREADS) // of each WN_LANES invocations
shared float wn_product[WN_PRODUCTS];
shared float wn_product_lane[WN_PRODUCTS][WN_LANES + 1]; // + 1: invocations read different banks

// wn_product[j] = dot(row i, row first + j) for the rows below `end`; twin: wn_dot(). Every
// invocation calls it with the same arguments.
void wn_products(int i, int first, int end)
{
    const int lane = int(gl_LocalInvocationID.x) % WN_LANES;
    const int part = int(gl_LocalInvocationID.x) / WN_LANES * WN_PRODUCT_COLS;
    precise float sum[WN_PRODUCT_COLS];
    int row[WN_PRODUCT_COLS];

    [[unroll]] for (int j = 0; j < WN_PRODUCT_COLS; j++) {
        sum[j] = 0.0;
        row[j] = min(first + part + j, end - 1) * p.dim;
    }
    for (int c = lane; c < p.dim; c += WN_LANES) {
        const float a = s[i * p.dim + c];
        [[unroll]] for (int j = 0; j < WN_PRODUCT_COLS; j++) {
            precise const float product = a * s[row[j] + c];
            precise const float more = sum[j] + product;
            sum[j] = more;
        }
    }
    barrier(); // the products before these have been read
    [[unroll]] for (int j = 0; j < WN_PRODUCT_COLS; j++)
        wn_product_lane[part + j][lane] = sum[j];
    barrier();
    if (gl_LocalInvocationID.x < WN_PRODUCTS) {
        const uint j = gl_LocalInvocationID.x;
        [[unroll]] for (int h = WN_LANES / 2; h > 0; h /= 2) {
            [[unroll]] for (int l = 0; l < h; l++) {
                precise const float more = wn_product_lane[j][l] + wn_product_lane[j][l + h];
                wn_product_lane[j][l] = more;
            }
        }
        wn_product[j] = wn_product_lane[j][0];
    }
    barrier();
}
