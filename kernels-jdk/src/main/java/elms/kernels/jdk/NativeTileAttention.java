package elms.kernels.jdk;

/** Tiles by attention.c, which keeps nothing between calls. */
record NativeTileAttention(NativeFunctions functions, int rows) implements TileAttention {
    @Override
    public void attend(TilePage at, TilePage next, float[] part) {
        functions.attend(at, next, part);
    }

    @Override
    public void join(AttentionTile tile, float[] part, float[] next) {
        functions.join(tile, part, next);
    }

    @Override
    public void finish(AttentionTile tile, float[] part, float[] out) {
        functions.finish(tile, part, out);
    }
}
