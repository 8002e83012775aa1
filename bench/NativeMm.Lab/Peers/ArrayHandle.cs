using System.Runtime.CompilerServices;

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
}
