using System.Diagnostics.Tracing;
using NativeMm.Diagnostics;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class MemoryFaultTests
{
    public static TheoryData<string, MemoryFaultKind, ulong, string> Rows => new()
    {
        { "double free", MemoryFaultKind.DoubleFree, 0x1040, "Double free: the block at 0x1040 is free already" },
        { "interior", MemoryFaultKind.NotBlockStart, 0x1048, "0x1048 lies 8 bytes into the block of 64 bytes at 0x1040" },
        { "foreign", MemoryFaultKind.ForeignPointer, 0x99, "0x99 does not belong to heap A" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void Mistake_is_named_with_what_is_known_of_it(string mistake, MemoryFaultKind kind, ulong address, string part)
    {
        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => Make(mistake));
        Assert.Equal(kind, fault.Kind);
        Assert.Equal((nuint)address, fault.Address);
        Assert.Contains(part, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_mistake_leaves_an_event()
    {
        string marker = Guid.NewGuid().ToString();
        using var listener = new EventRecorder();
        Assert.Throws<MemoryFaultException>(() => MemoryFault.Throw(MemoryFaultKind.WrongHeap, 0xABC, marker));
        EventWrittenEventArgs written = Assert.Single(listener.Events, candidate => candidate.Payload!.Contains(marker));
        Assert.Equal(EventLevel.Critical, written.Level);
        Assert.Equal(["WrongHeap", "0xabc", marker], written.Payload!);
    }

    private static void Make(string mistake)
    {
        switch (mistake)
        {
            case "double free":
                MemoryFault.ThrowDoubleFree(0x1040);
                break;
            case "interior":
                MemoryFault.ThrowNotBlockStart(0x1048, 0x1040, 64);
                break;
            default:
                MemoryFault.ThrowForeignPointer(0x99, "heap A");
                break;
        }
    }
}
