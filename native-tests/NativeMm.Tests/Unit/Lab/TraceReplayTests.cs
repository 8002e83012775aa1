using NativeMm.Lab.Experiments.Trace;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Traces;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class TraceReplayTests
{
    [Fact]
    public void In_recorded_order_every_record_is_performed_once_and_the_rest_is_freed()
    {
        Trace trace = TraceReader.ReadFile(TraceLocator.Find("mariadb")!);
        var slots = new CheckingHandle[trace.ObjectCount];

        TraceReplay.Run<CheckingAllocator<InOrder>, CheckingHandle>(trace.Records, slots);

        Assert.Equal(trace.Records.Count(r => r.Operation != TraceOperation.Free), CheckingAllocator<InOrder>.Allocations);
        Assert.Equal(trace.Records.Count(r => r.AlignmentLog2 > 0 && r.Operation == TraceOperation.Allocate), CheckingAllocator<InOrder>.AlignedAllocations);
        Assert.Equal(slots.Count(s => s.Exists), CheckingAllocator<InOrder>.Live);
        Assert.Equal(48, CheckingAllocator<InOrder>.Live);
        Assert.Equal(0, CheckingAllocator<InOrder>.Untouched);

        TraceReplay.FreeRest<CheckingAllocator<InOrder>, CheckingHandle>(slots);
        Assert.Equal(0, CheckingAllocator<InOrder>.Live);
        Assert.DoesNotContain(slots, s => s.Exists);
    }

    [Fact]
    public async Task On_as_many_threads_as_recorded_objects_pass_from_thread_to_thread_unharmed()
    {
        Trace trace = TraceReader.ReadFile(TraceLocator.Find("mariadb")!);
        Task<int> replay = Task.Run(() =>
        {
            using var crew = new ThreadCrew(trace.ThreadCount, pin: false);
            var threaded = new ThreadedReplay<CheckingAllocator<OnThreads>, CheckingHandle>(new ThreadedTrace(trace), crew.Abort);
            for (int round = 0; round < 2; round++)
            {
                crew.Run(threaded.Run);
                Assert.Equal(48, CheckingAllocator<OnThreads>.Live);
                threaded.Reset();
                Assert.Equal(0, CheckingAllocator<OnThreads>.Live);
            }

            return CheckingAllocator<OnThreads>.Allocations;
        });

        Assert.Equal(2 * trace.Records.Count(r => r.Operation != TraceOperation.Free), await replay.WaitAsync(TimeSpan.FromMinutes(2)));
    }

    [Fact]
    public void The_tiny_trace_that_warms_up_performs_every_operation_and_crosses_threads()
    {
        Trace trace = SyntheticTrace.Create();
        TraceValidator.Check(trace.Records, trace.ObjectCount, trace.ThreadCount, trace.Name);
        Assert.Equal(4, trace.Records.Select(r => r.Operation).Distinct().Count());
        Assert.Contains(trace.Records, r => r.AlignmentLog2 > 0);
        Assert.Contains(trace.Records.GroupBy(r => r.Object), g => g.Select(r => r.Thread).Distinct().Count() > 1);
    }

    private sealed class InOrder;

    private sealed class OnThreads;
}
