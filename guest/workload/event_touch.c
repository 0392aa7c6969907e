/* Writing one byte of each of job->steps pages from job->first on. */
#include "event.h"

EVENT(event_touch, volatile uint8_t *at = (volatile uint8_t *)job->first; uint64_t stride = job->stride;
      volatile uint8_t *end = at + job->steps * stride; for (; at < end; at += stride) *at = 1;)
