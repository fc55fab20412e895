/* SPDX-License-Identifier: MIT */
/* A font of 5 x 7 dots for the contact sheet: capitals, digits and some signs. */
#ifndef WINNOW_FONT_H
#define WINNOW_FONT_H

#include <stdint.h>

#define FONT_WIDTH 5
#define FONT_HEIGHT 7

/* Seven rows, the leftmost dot in bit 4. Small letters look like capitals, unknown signs like a
 * question mark. */
const uint8_t *font_glyph(char c);

#endif
