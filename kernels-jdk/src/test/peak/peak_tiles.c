/* As peak.c, for a processor with tiles: multiply_tiles with a strip and 32 tokens in the first-level cache. */
#include "cpu.c"

#undef EXPORT
#include "kernels.c"

#ifdef __AMX_BF16__
/* tiles: SEGMENT times two, a strip that is filled; x: two times SEGMENT of them; sums: 32 tokens of two panels. */
void EXPORT(multiply)(Tile (*tiles)[2], const Tile *x, int64_t repeats, float *sums) {
    Strip strip = {tiles, SEGMENT, 1, unpack_both, 0};
    begin_tiles();
    for (int64_t n = 0; n < repeats; n++) multiply_tiles(2 * TILE, &strip, x, SEGMENT, 0, sums, PAIR, PANEL);
    end_tiles();
}

/* Products that one repeat makes; none where the processor has no tiles, or the system does not allow them. */
int64_t EXPORT(products)(void) { return elms_tiers(0, 0) & 8 ? (int64_t)2 * TILE * PAIR * BLOCK * SEGMENT : 0; }
#else
int64_t EXPORT(products)(void) { return 0; }
#endif
