using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>A block that only pretends to have memory.</summary>
internal sealed class CheckedBlock(nuint bytes)
{
    private readonly Dictionary<nuint, ulong> _words = [];

    public nuint Bytes { get; } = bytes;

    public bool FirstTouched { get; private set; }

    public bool LastTouched { get; private set; }

    public void Touch(nuint offset)
    {
        Assert.True(offset < Bytes, "A write outside of the block.");
        FirstTouched |= offset == 0;
        LastTouched |= offset == Bytes - 1;
    }

    // Only marks are written, and nothing else may lie under them.
    public void Write(nuint offset, ulong value)
    {
        Touch(offset);
        Touch(offset + sizeof(ulong) - 1);
        _words[offset] = value;
    }

    public ulong Read(nuint offset) => _words.GetValueOrDefault(offset);
}
