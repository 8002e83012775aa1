using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Verbs;

/// <summary>A value for one that is expected.</summary>
internal readonly record struct Replace(ulong Value, ulong Expected) : IChange
{
    /// <inheritdoc/>
    public bool TryMake(ulong old, object? oldReference, out ulong value, out object? reference)
    {
        (value, reference) = (Value, null);
        return old == Expected;
    }
}
