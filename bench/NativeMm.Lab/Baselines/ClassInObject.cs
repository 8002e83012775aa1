namespace NativeMm.Lab.Baselines;

/// <summary>
/// The class is the first byte of the object. It is read without a lock and may be another object's by then, so it is checked under the lock.
/// </summary>
internal readonly unsafe struct ClassInObject : IHandleEncoding
{
    /// <inheritdoc/>
    public static int BytesPerObject => 1;

    /// <inheritdoc/>
    public static bool MayMistake => true;

    /// <inheritdoc/>
    public static ulong HandleBits(int cls) => 0;

    /// <inheritdoc/>
    public static void Mark(byte* first, int cls) => *first = (byte)cls;

    /// <inheritdoc/>
    public static int ClassOf(ulong handle, EncodedCell cell, byte* first) => *first;
}
