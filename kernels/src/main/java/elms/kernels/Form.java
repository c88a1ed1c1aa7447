package elms.kernels;

/**
 * How the weights of a packed matrix are stored. A block holds {@value Matrix#PANEL_ROWS} rows by
 * {@value Matrix#BLOCK_COLUMNS} columns, scales first:
 *
 * <ul>
 *   <li>{@link #Q4}: 16 half-precision scales, 16 half-precision minimums, then 4 groups of 64 bytes. Byte 4·row + j of
 *       group g holds column 4g + j in its low four bits and column 16 + 4g + j in its high four.
 *       weight = scale · quant + minimum, quant from 0 to 15.
 *   <li>{@link #Q8}: 16 half-precision scales, then 8 groups of 64 signed bytes. Byte 4·row + j of group g holds column 4g + j.
 *       weight = scale · quant.
 *   <li>{@link #F32}: 32 columns of 16 floats. The exact form, for tests and small models.
 * </ul>
 *
 * Four neighbouring columns of a row share 32 bits, which is what integer dot-product instructions read, and what plain
 * shifts can take apart.
 */
public enum Form {
    Q4(64 + 256, 64),
    Q8(32 + 512, 32),
    F32(2048, 0);

    /** Size of one block of 16 rows by 32 columns, in bytes. */
    public final int blockBytes;

    /** Where in a block the quants begin, after the scales, in bytes. */
    public final int quantsOffset;

    Form(int blockBytes, int quantsOffset) {
        this.blockBytes = blockBytes;
        this.quantsOffset = quantsOffset;
    }
}
