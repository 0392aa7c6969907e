/* Some marks of 32 bits at once: as many as the widest vectors have that a file is compiled for (AVX2: 8,
 * else 4). Whatever a file does with them it does alike, whichever they are. Functions are static: each file
 * has its own. */
#ifndef VCOST_MODEL_VECTOR_H
#define VCOST_MODEL_VECTOR_H

#include <immintrin.h>
#include <stdint.h>

#define VECTOR_INLINE static inline __attribute__((always_inline))

#ifdef __AVX2__

enum { VECTOR_MARKS = 8 };
typedef __m256i vector;

VECTOR_INLINE vector vector_all(uint32_t mark)
{
    return _mm256_set1_epi32((int)mark);
}

/* From where they stand together, in a multiple of a vector's bytes; from anywhere. */
VECTOR_INLINE vector vector_load(const uint32_t *marks)
{
    return _mm256_load_si256((const __m256i *)marks);
}

VECTOR_INLINE vector vector_load_from(const uint32_t *marks)
{
    return _mm256_loadu_si256((const __m256i *)marks);
}

VECTOR_INLINE void vector_store(uint32_t *marks, vector these)
{
    _mm256_store_si256((__m256i *)marks, these);
}

/* A bit for each of 8 marks that is this one. */
VECTOR_INLINE unsigned vector_hits(const uint32_t *marks, vector mark)
{
    return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(vector_load(marks), mark)));
}

/* All move up by one: the last one goes, the first place is free (0). */
VECTOR_INLINE vector vector_up(vector these)
{
    vector turned = _mm256_permutevar8x32_epi32(these, _mm256_setr_epi32(7, 0, 1, 2, 3, 4, 5, 6));
    return _mm256_blend_epi32(turned, _mm256_setzero_si256(), 1);
}

/* And down: the first one goes, the last place is free. */
VECTOR_INLINE vector vector_down(vector these)
{
    vector turned = _mm256_permutevar8x32_epi32(these, _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0));
    return _mm256_blend_epi32(turned, _mm256_setzero_si256(), 0x80);
}

/* With a mark as the first of them. */
VECTOR_INLINE vector vector_begin(vector these, uint32_t mark)
{
    return _mm256_blend_epi32(these, _mm256_castsi128_si256(_mm_cvtsi32_si128((int)mark)), 1);
}

/* Of `a` the places below an end, of `b` the others; the first place is that of this number. */
VECTOR_INLINE vector vector_join(vector a, vector b, unsigned place, vector end)
{
    const vector places = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), vector_all(place));
    return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi32(end, places));
}

#else

enum { VECTOR_MARKS = 4 };
typedef __m128i vector;

VECTOR_INLINE vector vector_all(uint32_t mark)
{
    return _mm_set1_epi32((int)mark);
}

VECTOR_INLINE vector vector_load(const uint32_t *marks)
{
    return _mm_load_si128((const __m128i *)marks);
}

VECTOR_INLINE vector vector_load_from(const uint32_t *marks)
{
    return _mm_loadu_si128((const __m128i *)marks);
}

VECTOR_INLINE void vector_store(uint32_t *marks, vector these)
{
    _mm_store_si128((__m128i *)marks, these);
}

VECTOR_INLINE unsigned vector_hits(const uint32_t *marks, vector mark)
{
    __m128i low = _mm_cmpeq_epi32(vector_load(marks), mark),
            high = _mm_cmpeq_epi32(vector_load(marks + VECTOR_MARKS), mark);
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128()));
}

VECTOR_INLINE vector vector_up(vector these)
{
    return _mm_slli_si128(these, sizeof(uint32_t));
}

VECTOR_INLINE vector vector_down(vector these)
{
    return _mm_srli_si128(these, sizeof(uint32_t));
}

VECTOR_INLINE vector vector_begin(vector these, uint32_t mark)
{
    return _mm_castps_si128(
        _mm_move_ss(_mm_castsi128_ps(these), _mm_castsi128_ps(_mm_cvtsi32_si128((int)mark))));
}

VECTOR_INLINE vector vector_join(vector a, vector b, unsigned place, vector end)
{
    const vector places = _mm_add_epi32(_mm_setr_epi32(0, 1, 2, 3), vector_all(place));
    vector below = _mm_cmplt_epi32(places, end);
    return _mm_or_si128(_mm_and_si128(below, a), _mm_andnot_si128(below, b));
}

#endif
#endif
