/* figures.h - making charts point by point, in memory that lives as long as they do. */
#ifndef ANALYSIS_FIGURES_H
#define ANALYSIS_FIGURES_H

#include <pagoda/experiment.h>

bool figures_open(struct vm_figures *f, struct vm_error *e);

/* One chart being made. */
struct figure {
    struct vm_chart *chart;
    struct vm_series *series; /* [room_series] those of the chart */
    double *numbers;          /* [room_series][2][room_points] each one's x, then its y */
    size_t room_series, room_points;
};

/* A chart like `shape`, whose words outlive it, with room for series and points of each. */
struct figure figure_add(struct vm_figures *f, const struct vm_chart *shape, size_t series,
                         size_t points);
/* One more series; its name is copied. Returns its number. */
size_t figure_series(struct vm_figures *f, struct figure *g, const char *name,
                     enum vm_series_style style);
/* One more point, not left of the last one. */
void figure_point(struct figure *g, size_t series, double x, double y);
/* Text that lives as long as the figures. */
const char *figures_text(struct vm_figures *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
