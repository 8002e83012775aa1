using System.Buffers;

namespace NativeMm.Extensions;

/// <summary>Writes the value to the caller's writer, in pieces as large as the writer likes.</summary>
/// <param name="destination">The writer.</param>
internal readonly struct WriterSink(IBufferWriter<byte> destination) : ICacheSink
{
    /// <inheritdoc/>
    public void Take(ReadOnlySpan<byte> value) => destination.Write(value);
}
