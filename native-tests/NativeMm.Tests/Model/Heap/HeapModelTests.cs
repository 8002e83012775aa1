using NativeMm.Runtime;
using NativeMm.Tests.Unit.Heap;
using Xunit;
using Xunit.Sdk;

namespace NativeMm.Tests.Model.Heap;

/// <summary>Random histories on changing threads equal the model. A failing seed and its history are printed.</summary>
public sealed class HeapModelTests
{
    private const int StepsPerHistory = 500;
    private const int StepsPerThread = 50;

    [Theory]
    [InlineData(FrameAllocatorKind.LockFree, 4 << 10, 8)]
    [InlineData(FrameAllocatorKind.Buddy, 4 << 10, 8)]
    [InlineData(FrameAllocatorKind.LockFree, 16 << 10, 4)]
    [InlineData(FrameAllocatorKind.LockFree, 64 << 10, 4)]
    [InlineData(FrameAllocatorKind.Buddy, 64 << 10, 4)]
    public void Any_history_equals_the_model(FrameAllocatorKind kind, int pageBytes, int histories)
    {
        int first = Environment.TickCount;
        for (int seed = first; seed < first + histories; seed++)
        {
            Run(kind, pageBytes, seed);
        }
    }

    private static void Run(FrameAllocatorKind kind, int pageBytes, int seed)
    {
        var random = new Random(seed);
        using var fixture = new HeapFixture(frames: kind, pageBytes: pageBytes);
        var model = new HeapModel(fixture);
        try
        {
            for (int step = 0; step < StepsPerHistory; step += StepsPerThread)
            {
                OnAnotherThread(() => Steps(model, random));
            }

            model.Finish();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new XunitException($"{kind}, pages of {pageBytes}, seed {seed}: {e.Message}{Environment.NewLine}After:{Environment.NewLine}{model.History}", e);
        }
    }

    private static void Steps(HeapModel model, Random random)
    {
        for (int i = 0; i < StepsPerThread; i++)
        {
            model.Step((uint)random.Next(), (uint)random.NextInt64(uint.MaxValue));
        }
    }

    private static void OnAnotherThread(Action action)
    {
        Exception? problem = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                problem = e;
            }
        });
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromSeconds(60)), "A history does not end.");
        if (problem is not null)
        {
            throw new AggregateException(problem.ToString(), problem);
        }
    }
}
