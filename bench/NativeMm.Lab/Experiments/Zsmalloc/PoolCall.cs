namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>The calls that workers make.</summary>
internal enum PoolCall : byte
{
    /// <summary>Makes the object of an empty slot.</summary>
    Alloc,

    /// <summary>Frees the object of a slot, which is empty then.</summary>
    Free,

    /// <summary>Reads an object.</summary>
    Read,

    /// <summary>Writes an object.</summary>
    Write,
}
