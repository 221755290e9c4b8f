/* Plain bilinear resize with half-pixel centres, without antialiasing, in whole numbers: the nearest pixel value of the exact one. */
#include "ts_picture.h"

#include "picture_settings.h"

/* Between `low` and `high`, `part` of 2 * length steps from the former to the latter. */
typedef struct {
    uint32_t low, high, part;
} ts_place;

typedef struct {
    uint32_t channels[3];
} ts_pixel;

static ts_place ts_place_of(uint32_t n, uint32_t from, uint32_t to) {
    const uint32_t reached = (2 * n + 1) * from;
    ts_place place = {0, 0, 0};
    if (reached > to) {
        place.low = (reached - to) / (2 * to);
        place.part = (reached - to) % (2 * to);
    }
    place.high = place.low + 1 < from ? place.low + 1 : place.low;
    return place;
}

/* Five and six bits become eight by repeating the upper ones: 31 is 255. */
static ts_pixel ts_rgb565(const uint8_t *frame, uint32_t n) {
    const uint32_t high = frame[2 * n], low = frame[2 * n + 1];
    const uint32_t red = high >> 3, green = (high & 7u) << 3 | low >> 5, blue = low & 31u;
    const ts_pixel pixel = {{red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2}};
    return pixel;
}

static ts_pixel ts_grey(const uint8_t *frame, uint32_t n) {
    const ts_pixel pixel = {{frame[n], frame[n], frame[n]}};
    return pixel;
}

static void ts_store(const uint32_t *pixel, uint32_t place, uint8_t *input) {
#if TS_PICTURE_CHANNELS == 1
    input[place] = ts_picture_codes[(299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000];
#else
    for (uint32_t c = 0; c < 3; ++c) {
        input[TS_PICTURE_PLANES ? c * TS_PICTURE_WIDTH * TS_PICTURE_HEIGHT + place : 3 * place + c] = ts_picture_codes[pixel[c]];
    }
#endif
}

static inline void ts_picture(
    ts_pixel (*pixel_at)(const uint8_t *, uint32_t), const uint8_t *frame, uint32_t width, uint32_t height, uint8_t *input) {
    const uint32_t whole = 4 * TS_PICTURE_WIDTH * TS_PICTURE_HEIGHT;
    for (uint32_t y = 0; y < TS_PICTURE_HEIGHT; ++y) {
        const ts_place row = ts_place_of(y, height, TS_PICTURE_HEIGHT);
        for (uint32_t x = 0; x < TS_PICTURE_WIDTH; ++x) {
            const ts_place column = ts_place_of(x, width, TS_PICTURE_WIDTH);
            const ts_pixel a = pixel_at(frame, row.low * width + column.low), b = pixel_at(frame, row.low * width + column.high);
            const ts_pixel c = pixel_at(frame, row.high * width + column.low), d = pixel_at(frame, row.high * width + column.high);
            uint32_t made[3];
            for (uint32_t n = 0; n < 3; ++n) {
                const uint32_t rest = 2 * TS_PICTURE_WIDTH - column.part;
                const uint32_t upper = a.channels[n] * rest + b.channels[n] * column.part;
                const uint32_t lower = c.channels[n] * rest + d.channels[n] * column.part;
                made[n] = (upper * (2 * TS_PICTURE_HEIGHT - row.part) + lower * row.part + whole / 2) / whole;
            }
            ts_store(made, y * TS_PICTURE_WIDTH + x, input);
        }
    }
}

void ts_picture_from_rgb565(const uint8_t *frame, uint32_t width, uint32_t height, uint8_t *input) {
    ts_picture(ts_rgb565, frame, width, height, input);
}

void ts_picture_from_grey(const uint8_t *frame, uint32_t width, uint32_t height, uint8_t *input) {
    ts_picture(ts_grey, frame, width, height, input);
}
