/* A camera's frame as the model's input, by PREPROCESSING.md: the whole frame, plain bilinear resize, then codes. */
#ifndef TS_PICTURE_H
#define TS_PICTURE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Frames of width x height pixels, row by row: two bytes a pixel, the high byte first, or one byte of brightness. */
void ts_picture_from_rgb565(const uint8_t *frame, uint32_t width, uint32_t height, uint8_t *input);
void ts_picture_from_grey(const uint8_t *frame, uint32_t width, uint32_t height, uint8_t *input);

#ifdef __cplusplus
}
#endif

#endif
