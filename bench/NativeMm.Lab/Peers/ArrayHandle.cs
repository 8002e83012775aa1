namespace NativeMm.Lab.Peers;

/// <summary>A block that is a managed array.</summary>
/// <param name="array">The array.</param>
internal readonly struct ArrayHandle(byte[] array) : IBlockHandle
{
    /// <summary>The array.</summary>
    public readonly byte[]? Array = array;

    /// <inheritdoc/>
    public bool Exists => Array != null;

    /// <inheritdoc/>
    public void Touch(nuint offset) => Array![offset] = 1;
}
