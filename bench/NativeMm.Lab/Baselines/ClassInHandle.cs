namespace NativeMm.Lab.Baselines;

/// <summary>
/// The class stands in the low eight bits of the handle: no memory is read before the lock. The kernel's handle is a pointer, which must be aligned
/// to 256 bytes for that; a handle that is a number has the bits to spare.
/// </summary>
internal readonly unsafe struct ClassInHandle : IHandleEncoding
{
    /// <inheritdoc/>
    public static int BytesPerObject => 0;

    /// <inheritdoc/>
    public static bool MayMistake => false;

    /// <inheritdoc/>
    public static ulong HandleBits(int cls) => (ulong)cls;

    /// <inheritdoc/>
    public static void Mark(byte* first, int cls)
    {
    }

    /// <inheritdoc/>
    public static int ClassOf(ulong handle, EncodedCell cell, byte* first) => (byte)handle;
}
