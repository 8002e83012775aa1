namespace NativeMm.Lab.Peers;

/// <summary>Names a block of memory. A struct, so that no workload pays for shared generic code.</summary>
internal interface IBlockHandle
{
    /// <summary>Whether there is a block.</summary>
    bool Exists { get; }

    /// <summary>Writes one byte of the block.</summary>
    void Touch(nuint offset);

    /// <summary>Writes eight bytes of the block, at any offset.</summary>
    void Write(nuint offset, ulong value);

    /// <summary>Reads eight bytes of the block, at any offset.</summary>
    ulong Read(nuint offset);
}
