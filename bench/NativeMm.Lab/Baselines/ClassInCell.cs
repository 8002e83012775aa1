namespace NativeMm.Lab.Baselines;

/// <summary>The class stands in the handle's cell, as in <see cref="Zsmalloc.ZsPool"/> and in Linux since 2026. It never changes while the object lives.</summary>
internal readonly unsafe struct ClassInCell : IHandleEncoding
{
    /// <inheritdoc/>
    public static int BytesPerObject => 0;

    /// <inheritdoc/>
    public static bool MayMistake => false;

    /// <inheritdoc/>
    public static ulong HandleBits(int cls) => 0;

    /// <inheritdoc/>
    public static void Mark(byte* first, int cls)
    {
    }

    /// <inheritdoc/>
    public static int ClassOf(ulong handle, EncodedCell cell, byte* first) => cell.Class;
}
