namespace NativeMm.Lab.Baselines;

/// <summary>
/// Where the class of an object stands, so that whoever has a handle knows which lock to take. Struct type parameter of
/// <see cref="EncodedPool{TEncoding, TStatistics}"/>; everything else is the same code.
/// </summary>
internal unsafe interface IHandleEncoding
{
    /// <summary>Bytes that the encoding adds to every object.</summary>
    static abstract int BytesPerObject { get; }

    /// <summary>
    /// Whether the class may be found wrong, because it was read where the object no longer is. Then it must be checked under the lock.
    /// </summary>
    static abstract bool MayMistake { get; }

    /// <summary>What the handle says about the class.</summary>
    static abstract ulong HandleBits(int cls);

    /// <summary>Writes what the object says about the class, when it gets a slot.</summary>
    /// <param name="first">First byte behind the slot's head.</param>
    /// <param name="cls">The class.</param>
    static abstract void Mark(byte* first, int cls);

    /// <summary>The class, found without any lock.</summary>
    /// <param name="handle">The handle.</param>
    /// <param name="cell">Its cell, read a moment ago.</param>
    /// <param name="first">First byte behind the head of the slot that the cell names. Its frame is mapped whoever owns it by now.</param>
    static abstract int ClassOf(ulong handle, EncodedCell cell, byte* first);
}
