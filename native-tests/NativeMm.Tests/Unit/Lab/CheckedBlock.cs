using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>A block that only pretends to have memory.</summary>
internal sealed class CheckedBlock(nuint bytes)
{
    public nuint Bytes { get; } = bytes;

    public bool FirstTouched { get; private set; }

    public bool LastTouched { get; private set; }

    public void Touch(nuint offset)
    {
        Assert.True(offset < Bytes, "A write outside of the block.");
        FirstTouched |= offset == 0;
        LastTouched |= offset == Bytes - 1;
    }
}
