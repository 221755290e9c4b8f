/* Convolutions by CMSIS-NN, a band of rows a call so that an output may eat its input; grouped ones by bakenn's portable
   kernel, since CMSIS-NN has none. */
#include "arm_nnfunctions.h"
#include "bakenn_portable.h"
#include "ts_band.h"

static cmsis_nn_dims ts_dims(int32_t h, int32_t w, int32_t c) {
    const cmsis_nn_dims dims = {1, h, w, c};
    return dims;
}

static void ts_conv_band(const ts_window *w, const ts_filter *filter, int32_t *shifts, const ts_band *b) {
    /* CMSIS-NN declares the multipliers mutable and only reads them. */
    const cmsis_nn_per_channel_quant_params factors = {(int32_t *)(uintptr_t)filter->multiplier, shifts};
    const cmsis_nn_context scratch = {shifts + w->out_c, 0};
    const cmsis_nn_conv_params p = {-w->in_zero, w->out_zero, {w->stride_w, w->stride_h}, {w->pad_left, (int32_t)b->pad},
                                    {w->dilation_w, w->dilation_h}, {w->low, w->high}};
    const cmsis_nn_dims in = ts_dims((int32_t)b->in_h, w->in_w, w->in_c);
    const cmsis_nn_dims kernel = ts_dims(w->k_h, w->k_w, w->in_c);
    const cmsis_nn_dims biases = ts_dims(1, 1, w->out_c);
    const cmsis_nn_dims out = ts_dims((int32_t)b->out_h, w->out_w, w->out_c);
    const int plain = w->k_h == 1 && w->k_w == 1 && b->pad == 0 && w->pad_left == 0;
    /* The quick 1x1 kernel reads as many pixels as the input has: the band's, not all below it. */
    const cmsis_nn_dims same = ts_dims((int32_t)b->out_h, w->in_w, w->in_c);
    if (plain && w->stride_h == 1 && w->stride_w == 1) {
        (void)arm_convolve_1x1_s8_fast(&scratch, &p, &factors, &same, b->input, &kernel, filter->weights, &biases,
                                       filter->bias, &out, b->output);
    } else if (plain) {
        (void)arm_convolve_1x1_s8(&scratch, &p, &factors, &in, b->input, &kernel, filter->weights, &biases,
                                  filter->bias, &out, b->output);
    } else {
        (void)arm_convolve_s8(&scratch, &p, &factors, &in, b->input, &kernel, filter->weights, &biases, filter->bias,
                              &out, b->output);
    }
}

void ts_conv2d(const ts_window *w, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch) {
    int32_t *shifts = ts_unpacked_shifts(w, filter, scratch);
    for (size_t y = 0; y < w->out_h; y += w->rows) {
        const ts_band b = ts_band_at(w, y, input, output);
        if (w->groups == 1) {
            ts_conv_band(w, filter, shifts, &b);
        } else {
            bakenn_conv2d_s8(b.input, filter->weights, filter->bias, filter->multiplier, shifts, b.output, b.in_h,
                             w->in_w, w->in_c, b.out_h, w->out_w, w->out_c, w->groups, w->k_h, w->k_w, w->stride_h,
                             w->stride_w, w->dilation_h, w->dilation_w, b.pad, w->pad_left, w->in_zero, w->out_zero,
                             w->low, w->high);
        }
    }
}

void ts_depthwise(const ts_window *w, const ts_filter *filter, const int8_t *input, int8_t *output, void *scratch) {
    int32_t *shifts = ts_unpacked_shifts(w, filter, scratch);
    const cmsis_nn_per_channel_quant_params factors = {(int32_t *)(uintptr_t)filter->multiplier, shifts};
    const cmsis_nn_context buffer = {shifts + w->out_c, 0};
    const cmsis_nn_dims kernel = ts_dims(w->k_h, w->k_w, w->out_c);
    const cmsis_nn_dims biases = ts_dims(1, 1, w->out_c);
    for (size_t y = 0; y < w->out_h; y += w->rows) {
        const ts_band b = ts_band_at(w, y, input, output);
        const cmsis_nn_dw_conv_params p = {-w->in_zero, w->out_zero, w->out_c / w->in_c, {w->stride_w, w->stride_h},
                                           {w->pad_left, (int32_t)b.pad}, {w->dilation_w, w->dilation_h},
                                           {w->low, w->high}};
        const cmsis_nn_dims in = ts_dims((int32_t)b.in_h, w->in_w, w->in_c);
        const cmsis_nn_dims out = ts_dims((int32_t)b.out_h, w->out_w, w->out_c);
        (void)arm_depthwise_conv_wrapper_s8(&buffer, &p, &factors, &in, b.input, &kernel, filter->weights, &biases,
                                            filter->bias, &out, b.output);
    }
}
