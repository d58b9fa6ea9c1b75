namespace OtlpReceiver.Protocol;

/// <summary>The payload is not OTLP. Nothing of it was kept.</summary>
internal sealed class RefusedPayloadException(string message, Exception? inner = null) : Exception(message, inner);
