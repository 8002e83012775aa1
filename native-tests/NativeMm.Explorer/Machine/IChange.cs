namespace NativeMm.Explorer.Machine;

/// <summary>What a read-modify-write makes of a value.</summary>
internal interface IChange
{
    /// <summary>The new value, or false if the word stays as it is.</summary>
    bool TryMake(ulong old, object? oldReference, out ulong value, out object? reference);
}
