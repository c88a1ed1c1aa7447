package elms.kernels.jdk;

/** A provider cannot run in this JVM; the message says why. */
public final class ProviderUnavailableException extends Exception {
    ProviderUnavailableException(Provider provider, String reason, Throwable cause) {
        super("the " + provider + " kernels cannot run here, since " + reason, cause);
    }
}
