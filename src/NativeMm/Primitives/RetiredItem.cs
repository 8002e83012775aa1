namespace NativeMm.Primitives;

/// <summary>Something that readers may still look at, and how to get rid of it when none can any more.</summary>
/// <param name="Reclaim">Called once, on any thread. A static lambda costs nothing.</param>
/// <param name="Target">Handed to the callback: an owner, or the retired object itself.</param>
/// <param name="Value">Handed to the callback: an address, an index, whatever names unmanaged memory.</param>
internal readonly record struct RetiredItem(Action<object?, nuint> Reclaim, object? Target, nuint Value);
