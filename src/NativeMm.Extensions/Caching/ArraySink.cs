namespace NativeMm.Extensions;

/// <summary>Makes an array of the value.</summary>
internal struct ArraySink : ICacheSink
{
    /// <summary>The value; null as long as there is none.</summary>
    public byte[]? Value { get; private set; }

    /// <inheritdoc/>
    public void Take(ReadOnlySpan<byte> value) => Value = value.ToArray();
}
