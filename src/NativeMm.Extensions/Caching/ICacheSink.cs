namespace NativeMm.Extensions;

/// <summary>Where a value goes.</summary>
internal interface ICacheSink
{
    /// <summary>Takes the whole value. What a caller's writer throws passes through.</summary>
    void Take(ReadOnlySpan<byte> value);
}
