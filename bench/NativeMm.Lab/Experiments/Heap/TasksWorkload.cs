using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>
/// Short tasks that forget memory: each is a thread of its own that allocates and frees mixed blocks and dies with the last of them still live. What
/// a task leaves behind is freed by the eighth one after it. Starting and ending the threads is part of the time.
/// </summary>
internal sealed class TasksWorkload<TAllocator, THandle>(int threads, bool pin) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    /// <summary>Blocks that a task leaves behind.</summary>
    public const int LeftBehind = 64;

    /// <summary>Tasks whose blocks are live when the next one begins.</summary>
    public const int TasksRemembered = 8;

    private const int OperationsPerTask = 4096;

    private readonly Starter[] _starters = new Starter[threads];

    /// <inheritdoc/>
    public override int Granularity => OperationsPerTask;

    /// <inheritdoc/>
    public override void SetUp(int thread) => _starters[thread] = new Starter(thread);

    /// <inheritdoc/>
    public override void WarmUp(int thread) => _starters[thread].RunTask(OperationsOfWarmUp);

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        Starter starter = _starters[thread];
        for (int done = 0; done < operations; done += OperationsPerTask)
        {
            Generation.Run(() => starter.RunTask(OperationsPerTask), pin ? thread : -1);
        }
    }

    private sealed class Starter(int thread)
    {
        private readonly int[] _sizes = ReplacementTables.MixedSizes(thread);
        private readonly MarkedBlock<TAllocator, THandle>[][] _left =
            [.. Enumerable.Range(0, TasksRemembered).Select(_ => new MarkedBlock<TAllocator, THandle>[LeftBehind])];

        private MarkSource _marks = new(thread);
        private int _task;
        private int _next;

        // The window goes round: a block is freed when so many newer ones are live, and the last window of the task stays.
        public void RunTask(int operations)
        {
            MarkedBlock<TAllocator, THandle>[] window = _left[_task];
            _task = (_task + 1) % TasksRemembered;
            for (int i = 0; i < operations; i++)
            {
                ref MarkedBlock<TAllocator, THandle> place = ref window[i % LeftBehind];
                if (place.Exists)
                {
                    place.Free();
                }

                place = MarkedBlock<TAllocator, THandle>.Alloc(_sizes[_next], _marks.Next());
                _next = _next + 1 < _sizes.Length ? _next + 1 : 0;
            }
        }
    }
}
