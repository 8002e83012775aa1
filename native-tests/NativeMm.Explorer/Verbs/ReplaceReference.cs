using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Verbs;

/// <summary>A reference for any, or for one that is expected.</summary>
internal readonly record struct ReplaceReference(object? Value, object? Expected, bool IsConditional) : IChange
{
    /// <inheritdoc/>
    public bool TryMake(ulong old, object? oldReference, out ulong value, out object? reference)
    {
        (value, reference) = (0, Value);
        return !IsConditional || ReferenceEquals(oldReference, Expected);
    }
}
