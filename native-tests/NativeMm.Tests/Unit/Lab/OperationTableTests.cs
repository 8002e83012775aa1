using NativeMm.Lab.Experiments.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>A worker's table makes sense as often as it is gone through, and is the mixture that its description promises.</summary>
public sealed class OperationTableTests
{
    private const int Slots = 1000;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Every_call_finds_its_slot_as_it_must_be_and_the_end_fits_the_beginning(int worker)
    {
        bool[] live = OperationTable.LiveAtStart(worker, Slots);
        PoolOperation[] table = OperationTable.Build(worker, Slots);
        for (int round = 0; round < 2; round++)
        {
            foreach (PoolOperation operation in table)
            {
                Assert.Equal(operation.Kind != PoolCall.Alloc, live[operation.Slot]);
                live[operation.Slot] = operation.Kind != PoolCall.Free;
            }

            Assert.Equal(OperationTable.LiveAtStart(worker, Slots), live);
        }
    }

    [Fact]
    public void Every_object_is_written_before_it_is_read()
    {
        bool[] written = OperationTable.LiveAtStart(0, Slots);
        foreach (PoolOperation operation in OperationTable.Build(0, Slots))
        {
            Assert.False(operation.Kind == PoolCall.Read && !written[operation.Slot]);
            written[operation.Slot] = operation.Kind is PoolCall.Write or PoolCall.Read;
        }
    }

    [Theory]
    [InlineData((int)PoolCall.Alloc, 0.2)]
    [InlineData((int)PoolCall.Free, 0.2)]
    [InlineData((int)PoolCall.Write, 0.2)]
    [InlineData((int)PoolCall.Read, 0.4)]
    public void The_calls_are_mixed_as_described(int kind, double share)
    {
        PoolOperation[] table = OperationTable.Build(0, Slots);
        Assert.InRange(table.Count(o => o.Kind == (PoolCall)kind) / (double)table.Length, share - 0.02, share + 0.02);
    }

    [Fact]
    public void Workers_differ() => Assert.NotEqual(OperationTable.Build(0, Slots), OperationTable.Build(1, Slots));
}
