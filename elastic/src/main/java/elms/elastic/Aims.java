package elms.elastic;

import java.util.List;

/**
 * What levels a pack is to have, and how their units may be chosen.
 *
 * @param shares of the decoder's weights that levels aim at, adapters counted
 * @param rank most that recovery may give a level's adapters; 0 if none follows, when widths need less care, too
 * @param offered what may make a unit important; that whose levels come closest to the full model is taken
 */
public record Aims(List<Double> shares, int rank, List<Importance> offered) {
    /** Shares of the decoder's weights of the usual levels. */
    public static final List<Double> SHARES = List.of(0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3);

    /** The usual levels without recovery. */
    public static Aims measured() {
        return new Aims(SHARES, 0, List.of(new Importance.Activation()));
    }
}
