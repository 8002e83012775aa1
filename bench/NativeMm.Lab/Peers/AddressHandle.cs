using System.Runtime.CompilerServices;

namespace NativeMm.Lab.Peers;

/// <summary>A block named by its address.</summary>
/// <param name="address">First byte.</param>
internal readonly unsafe struct AddressHandle(void* address) : IBlockHandle
{
    /// <summary>First byte.</summary>
    public readonly byte* Address = (byte*)address;

    /// <inheritdoc/>
    public bool Exists
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Address != null;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Touch(nuint offset) => Address[offset] = 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(nuint offset, ulong value) => Unsafe.WriteUnaligned(Address + offset, value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Read(nuint offset) => Unsafe.ReadUnaligned<ulong>(Address + offset);
}
