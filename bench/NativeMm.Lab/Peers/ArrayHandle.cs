using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeMm.Lab.Peers;

/// <summary>A block that is a managed array.</summary>
/// <param name="array">The array.</param>
internal readonly struct ArrayHandle(byte[] array) : IBlockHandle
{
    /// <summary>The array.</summary>
    public readonly byte[]? Array = array;

    /// <inheritdoc/>
    public bool Exists
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Array != null;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Touch(nuint offset) => Array![offset] = 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(nuint offset, ulong value) => MemoryMarshal.Write(Array.AsSpan((int)offset), in value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Read(nuint offset) => MemoryMarshal.Read<ulong>(Array.AsSpan((int)offset));
}
