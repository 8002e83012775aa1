using NativeMm.Lab.Peers;

namespace NativeMm.Tests.Unit.Lab;

internal readonly struct CheckingHandle(CheckedBlock block) : IBlockHandle
{
    public readonly CheckedBlock? Block = block;

    public bool Exists => Block is not null;

    public void Touch(nuint offset) => Block!.Touch(offset);

    public void Write(nuint offset, ulong value) => Block!.Write(offset, value);

    public ulong Read(nuint offset) => Block!.Read(offset);
}
