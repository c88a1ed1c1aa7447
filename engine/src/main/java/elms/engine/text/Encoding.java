package elms.engine.text;

/**
 * Tokens of a text.
 *
 * @param ids token numbers
 * @param starts where each token's text begins, in UTF-16 units
 * @param ends where it ends; tokens that share a character share its place
 */
public record Encoding(int[] ids, int[] starts, int[] ends) {
    public int length() {
        return ids.length;
    }
}
