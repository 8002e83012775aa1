namespace NativeMm.Buffers;

/// <summary>What a <see cref="NativeMemoryPool"/> does with the managed objects of a rent that ended.</summary>
internal enum OwnerReuse
{
    /// <summary>Each rent has objects of its own, one of which has a finalizer, and a second disposal is told of: the checked mode.</summary>
    Never,

    /// <summary>Each rent has a small lease of its own, so whatever is used late throws for good; only the guard with the finalizer is used again.</summary>
    Leased,

    /// <summary>The buffer itself is the owner and is used again: nothing is allocated, and an owner must be disposed exactly once.</summary>
    Bare,
}
