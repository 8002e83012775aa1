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
        { "wrong heap", MemoryFaultKind.WrongHeap, 0x1040, "0x1040 belongs to heap A and was handed to heap B" },
        { "wrong size", MemoryFaultKind.WrongSize, 0x1040, "has 64 bytes and was handed back with 32" },
        { "overrun", MemoryFaultKind.Overrun, 0x1040, "Overrun: byte 65 was written to, but the block at 0x1040 has only 64 bytes" },
        { "underrun", MemoryFaultKind.Overrun, 0x1040, "Underrun: 2 bytes before the block of 64 bytes at 0x1040" },
        { "use after free", MemoryFaultKind.UseAfterFree, 0x1040, "byte 3 of the block at 0x1040 was written after" },
        { "leak", MemoryFaultKind.Leak, 0, "Leak: 3 blocks of 192 bytes in all were still allocated when heap A was disposed" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void MistakeIsNamedWithWhatIsKnownOfIt(string mistake, MemoryFaultKind kind, ulong address, string part)
    {
        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => Make(mistake));
        Assert.Equal(kind, fault.Kind);
        Assert.Equal((nuint)address, fault.Address);
        Assert.Contains(part, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryMistakeLeavesAnEvent()
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
            case "foreign":
                MemoryFault.ThrowForeignPointer(0x99, "heap A");
                break;
            case "wrong heap":
                MemoryFault.ThrowWrongHeap(0x1040, "heap A", "heap B");
                break;
            case "wrong size":
                MemoryFault.ThrowWrongSize(0x1040, 32, 64);
                break;
            case "overrun":
                MemoryFault.ThrowOverrun(0x1040, 64, 0x1040 + 65);
                break;
            case "underrun":
                MemoryFault.ThrowOverrun(0x1040, 64, 0x1040 - 2);
                break;
            case "use after free":
                MemoryFault.ThrowUseAfterFree(0x1040, 0x1043);
                break;
            default:
                MemoryFault.ThrowLeak("heap A", 3, 192);
                break;
        }
    }
}
