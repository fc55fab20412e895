// SPDX-License-Identifier: MIT
// The best of a workgroup's THREADS candidates: higher value, then lower row; row -1: none.
shared float wn_best_value[THREADS];
shared int wn_best_row[THREADS];

// Every invocation calls it, with its own candidate; all get the row, or -1 when there is none.
int wn_best(float value, int row)
{
    const int l = int(gl_LocalInvocationID.x);

    barrier(); // the best before this one has been read
    wn_best_value[l] = value;
    wn_best_row[l] = row;
    barrier();
    for (int h = THREADS / 2; h > 0; h /= 2) {
        if (l < h) {
            const int a = wn_best_row[l], b = wn_best_row[l + h];
            const float x = wn_best_value[l], y = wn_best_value[l + h];
            if (b >= 0 && (a < 0 || y > x || (y == x && b < a))) {
                wn_best_value[l] = y;
                wn_best_row[l] = b;
            }
        }
        barrier();
    }
    return wn_best_row[0];
}
