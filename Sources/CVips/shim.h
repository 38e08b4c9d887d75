// What Imaging needs of libvips. Its functions take variable arguments, which Swift cannot call, so each use has a
// function of its own here. Only the four loaders named below are called for uploads: no bytes of strangers reach any
// other decoder. The fifth draws SVG files of the installation itself.
#include <vips/vips.h>

typedef enum { NIMB_PNG = 0, NIMB_JPEG = 1, NIMB_WEBP = 2, NIMB_GIF = 3 } nimb_picture_type;

/// Loads the first `pages` frames (-1: all); null when the bytes are damaged or cut off.
static inline VipsImage *nimb_vips_load(const void *bytes, size_t count, nimb_picture_type type, int pages) {
    VipsImage *image = NULL;
    int failed = 1;
    switch (type) {
    case NIMB_PNG:
        failed = vips_pngload_buffer((void *)bytes, count, &image, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
        break;
    case NIMB_JPEG:
        failed = vips_jpegload_buffer((void *)bytes, count, &image, "fail_on", VIPS_FAIL_ON_ERROR, "autorotate", TRUE,
                                      NULL);
        break;
    case NIMB_WEBP:
        failed = vips_webpload_buffer((void *)bytes, count, &image, "fail_on", VIPS_FAIL_ON_ERROR, "n", pages, NULL);
        break;
    case NIMB_GIF:
        failed = vips_gifload_buffer((void *)bytes, count, &image, "fail_on", VIPS_FAIL_ON_ERROR, "n", pages, NULL);
        break;
    }
    return failed ? NULL : image;
}

/// Draws an SVG file of one's own at the size that it says; null when it is none.
static inline VipsImage *nimb_vips_draw(const void *bytes, size_t count) {
    VipsImage *image = NULL;
    if (vips_svgload_buffer((void *)bytes, count, &image, NULL)) return NULL;
    return image;
}

static inline int nimb_vips_pages(VipsImage *image) { return vips_image_get_n_pages(image); }
static inline int nimb_vips_page_height(VipsImage *image) { return vips_image_get_page_height(image); }
static inline int nimb_vips_has_profile(VipsImage *image) {
    return vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0;
}

/// Colours as browsers show them, eight bits each; the colour profile is applied, since it will be dropped.
static inline VipsImage *nimb_vips_srgb(VipsImage *image) {
    VipsImage *out = NULL;
    if (nimb_vips_has_profile(image) &&
        vips_icc_transform(image, &out, "srgb", "embedded", TRUE, "depth", 8, NULL) == 0)
        return out;
    out = NULL;
    if (vips_colourspace(image, &out, VIPS_INTERPRETATION_sRGB, NULL)) return NULL;
    if (vips_image_get_format(out) == VIPS_FORMAT_UCHAR) return out;
    VipsImage *narrow = NULL;
    int failed = vips_cast_uchar(out, &narrow, NULL);
    g_object_unref(out);
    return failed ? NULL : narrow;
}

/// Encodes anew without metadata; the caller frees `*bytes` with `g_free`.
static inline int nimb_vips_save(VipsImage *image, nimb_picture_type type, void **bytes, size_t *count) {
    switch (type) {
    case NIMB_PNG:
        return vips_pngsave_buffer(image, bytes, count, "strip", TRUE, "compression", 9, NULL);
    case NIMB_JPEG:
        return vips_jpegsave_buffer(image, bytes, count, "strip", TRUE, "Q", 88, "optimize_coding", TRUE, NULL);
    case NIMB_WEBP:
        return vips_webpsave_buffer(image, bytes, count, "strip", TRUE, "Q", 88, NULL);
    case NIMB_GIF:
        return vips_gifsave_buffer(image, bytes, count, "strip", TRUE, NULL);
    }
    return -1;
}

static inline void nimb_vips_stop_when_late(VipsImage *image, VipsProgress *progress, gpointer deadline) {
    if (g_get_monotonic_time() > *(gint64 *)deadline) vips_image_set_kill(image, TRUE);
}

/// Ends work on the image when the monotonic clock passes `*deadline` (microseconds), which must outlive the image.
static inline void nimb_vips_limit(VipsImage *image, gint64 *deadline) {
    vips_image_set_progress(image, TRUE);
    g_signal_connect(image, "eval", G_CALLBACK(nimb_vips_stop_when_late), deadline);
}

static inline void nimb_vips_unref(VipsImage *image) { g_object_unref(image); }

static inline void nimb_vips_keep_silent(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data) {}

/// One thread per picture, nothing kept between pictures. What libvips would print about damaged pictures of
/// strangers is dropped: the caller is told by the result.
static inline int nimb_vips_start(void) {
    if (VIPS_INIT("nimb")) return -1;
    g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_INFO, nimb_vips_keep_silent, NULL);
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    return 0;
}
