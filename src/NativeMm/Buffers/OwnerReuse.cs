namespace NativeMm.Buffers;

/// <summary>What a <see cref="NativeMemoryPool"/> does with the managed objects of a rent that ended.</summary>
internal enum OwnerReuse
{
    /// <summary>Each rent has objects of its own: whatever is used late throws for good.</summary>
    Never,

    /// <summary>The buffer is used again, behind a small lease of each rent's own: a late disposal finds that its rent is over.</summary>
    Leased,

    /// <summary>The buffer itself is the owner and is used again: nothing is allocated, and an owner must be disposed exactly once.</summary>
    Bare,
}
