using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace NativeMm.Extensions.Tests.Budget;

public sealed class MemoryBudgetTests
{
    private const long MiB = 1L << 20;
    private const long Total = 512 * MiB;

    private readonly BudgetModel _system = new();
    private readonly FakeTimeProvider _time = new();
    private readonly MemoryBudget _budget;

    public MemoryBudgetTests() => _budget = new MemoryBudget(Total, _system, _time);

    [Fact]
    public void Collector_may_take_what_native_memory_leaves_and_gets_it_back_later()
    {
        _budget.Step();
        long alone = _system.ManagedLimit;
        Assert.InRange(alone, 420 * MiB, Total - _budget.MarginBytes);
        _system.NativeLive = 300 * MiB;
        _budget.Step();
        Assert.InRange(_system.ManagedLimit, 100 * MiB, Total - _system.NativeLive - _system.Rest);
        _system.NativeLive = 0;
        _budget.Step();
        Assert.InRange(_system.ManagedLimit, alone - (8 * MiB), alone + (8 * MiB));
        Assert.Empty(_budget.Events);
    }

    [Fact]
    public void Idle_memory_goes_before_handlers_are_asked_and_handlers_before_a_collection()
    {
        _budget.Step();
        (_system.Idle, _system.Evictable, _system.Garbage) = (300 * MiB, 60 * MiB, 80 * MiB);
        _budget.Step();
        Assert.Equal((0, 60 * MiB, 80 * MiB), (_system.Idle, _system.Evictable, _system.Garbage));
        _system.NativeLive = 300 * MiB;
        _budget.Step();
        Assert.Equal(80 * MiB, _system.Garbage);
        Assert.True(_system.Evictable < 60 * MiB);
        _system.NativeLive = 345 * MiB;
        _system.Evictable = 0;
        _budget.Step();
        Assert.Equal(1, _system.Collections);
        Assert.Equal(3, _budget.Events.Count);
        Assert.True(_budget.Events[0].Caches > 0 && _budget.Events[1].Handlers > 0 && _budget.Events[2].Collected);
        Assert.All(_budget.Events, one => Assert.True(one.FreeAfter > one.FreeBefore));
    }

    [Fact]
    public void Collections_for_want_of_memory_are_a_second_apart()
    {
        _budget.Step();
        _system.NativeLive = 440 * MiB;
        for (int i = 0; i < 40; i++)
        {
            // Each one brings enough to be worth it, and in the next moment it is gone.
            _system.Garbage += 8 * MiB;
            _budget.Step();
            Assert.Equal(1 + (i / 20), _system.Collections);
            _time.Advance(TimeSpan.FromMilliseconds(50));
        }
    }

    /// <summary>The limit is below what the service needs: nothing can be done about it, and the service must have its processor all the same.</summary>
    [Fact]
    public void What_brings_nothing_is_done_less_and_less_often()
    {
        _budget.Step();
        _system.NativeLive = 440 * MiB;
        for (int i = 0; i < 20 * 600; i++)
        {
            _budget.Step();
            _time.Advance(TimeSpan.FromMilliseconds(50));
        }

        // Ten minutes: a pass every two seconds, a collection every minute, and some more at first.
        Assert.InRange(_system.Asked, 290, 320);
        Assert.InRange(_system.Collections, 10, 18);
        Assert.Equal((20 * 600) + 1, _budget.Steps);
        Assert.Equal(50, _budget.Events.Count);
    }

    [Fact]
    public void What_grows_meanwhile_ends_a_rest()
    {
        _budget.Step();
        _system.NativeLive = 440 * MiB;
        for (int i = 0; i < 20 * 60; i++)
        {
            _budget.Step();
            _time.Advance(TimeSpan.FromMilliseconds(50));
        }

        int asked = _system.Asked;
        (_system.NativeLive, _system.Evictable) = (430 * MiB, 20 * MiB);
        _budget.Step();
        Assert.True(_system.Asked > asked);
        Assert.True(_system.Evictable < 20 * MiB);

        // That was worth it, and so the next pass does not wait either.
        asked = _system.Asked;
        _time.Advance(TimeSpan.FromMilliseconds(50));
        _budget.Step();
        Assert.True(_system.Asked > asked);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Filled_from_both_sides_in_turn_nothing_fails_while_anything_can_be_evicted(int seed)
    {
        var random = new Random(seed);
        _budget.Step();
        for (int step = 0; step < 3000; step++)
        {
            // At most a third of the margin between two looks.
            long bytes = random.NextInt64(_budget.MarginBytes / 3);
            bool nativePhase = step / 300 % 2 == 0;
            if (nativePhase)
            {
                _system.Evictable += bytes;
                _system.ManagedLive = long.Max(_system.ManagedLive - (2 * bytes), 20 * MiB);
                _system.Garbage += bytes / 8;
            }
            else if (_system.Evictable > 0)
            {
                Assert.True(_system.AllocateManaged(bytes), $"seed {seed}, step {step}: {_system.Evictable} bytes were still evictable");
            }

            Assert.InRange(_system.Resident, 0, Total);
            _budget.Step();
            _time.Advance(TimeSpan.FromMilliseconds(50));
        }

        Assert.Equal(50, _budget.Events.Count);
    }

    [Fact]
    public void End_gives_the_collector_its_old_limit_back()
    {
        _budget.Step();
        Assert.True(_system.HasLimit);
        _budget.End();
        Assert.False(_system.HasLimit);
        Assert.Equal(0, _budget.ManagedLimitBytes);
        _budget.Begin();
        _budget.Step();
        Assert.True(_system.HasLimit);
    }

    [Fact]
    public void Handler_may_wait_for_somebody_who_reads_the_budget()
    {
        _budget.Step();
        int seen = -1;
        _system.NativeLive = 440 * MiB;
        _system.OnAsk = () => seen = Task.Run(() => _budget.Events.Count).WaitAsync(TimeSpan.FromSeconds(60)).GetAwaiter().GetResult();
        _budget.Step();
        Assert.Equal(0, seen);
        Assert.Single(_budget.Events);
    }

    [Fact]
    public void Step_that_outlives_the_end_and_one_within_a_step_move_nothing()
    {
        _budget.Step();
        _system.NativeLive = 440 * MiB;
        _system.OnAsk = () =>
        {
            _budget.Step();
            _budget.End();
        };
        _budget.Step();
        Assert.False(_system.HasLimit);
        Assert.Equal(0, _budget.ManagedLimitBytes);
        Assert.Equal(2, _budget.Steps);
    }

    [Fact]
    public async Task Stop_ends_the_limit_also_when_a_handler_does_not_come_back()
    {
        using var service = new MemoryBudgetService(_budget, _time);
        using var release = new ManualResetEventSlim();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Begin();
        Assert.True(_system.HasLimit);
        _system.OnAsk = () =>
        {
            entered.TrySetResult();
            release.Wait(TimeSpan.FromSeconds(60));
        };
        _system.NativeLive = 440 * MiB;

        // Where the service waits for the tick already, it goes on in here.
        Task tick = Task.Run(() => _time.Advance(TimeSpan.FromMilliseconds(50)));
        await entered.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => service.EndAsync(new CancellationToken(canceled: true)));
        Assert.False(_system.HasLimit);
        release.Set();
        await service.EndAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        await tick.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.False(_system.HasLimit);
        long steps = _budget.Steps;
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(steps, _budget.Steps);
    }

    /// <summary>Memory is short from the start, and a handler does not come back: the host starts, and ends, all the same.</summary>
    [Fact]
    public async Task Begin_waits_for_no_handler()
    {
        using var service = new MemoryBudgetService(_budget, _time);
        using var release = new ManualResetEventSlim();
        var entered = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _system.NativeLive = 440 * MiB;
        _system.OnAsk = () =>
        {
            entered.TrySetResult(Thread.CurrentThread.IsThreadPoolThread);
            release.Wait(TimeSpan.FromSeconds(60));
        };
        var starter = new Thread(service.Begin);
        starter.Start();
        Assert.True(await entered.Task.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.True(starter.Join(TimeSpan.FromSeconds(30)));
        Assert.True(_system.HasLimit);
        release.Set();
        await service.EndAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.False(_system.HasLimit);
    }

    [Fact]
    public async Task Begin_after_the_disposal_or_while_it_runs_does_nothing()
    {
        var service = new MemoryBudgetService(_budget, _time);
        service.Begin();
        service.Begin();
        await service.EndAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        long steps = _budget.Steps;
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(steps, _budget.Steps);
        service.Begin();
        Assert.True(_system.HasLimit);
        service.Dispose();
        Assert.False(_system.HasLimit);
        service.Begin();
        Assert.False(_system.HasLimit);
    }

    [Fact]
    public void Step_after_the_end_asks_nobody()
    {
        _budget.End();
        (_system.NativeLive, _system.Idle, _system.Evictable) = (300 * MiB, 100 * MiB, 100 * MiB);
        _budget.Step();
        Assert.Equal((100 * MiB, 100 * MiB, 0), (_system.Idle, _system.Evictable, _system.Collections));
        Assert.Empty(_budget.Events);
    }

    [Theory]
    [InlineData("512MiB", 512 * MiB)]
    [InlineData("80%", 800)]
    [InlineData("12.5 %", 125)]
    [InlineData(" 1 GB ", 1_000_000_000)]
    public void Limits_are_bytes_or_shares(string text, long bytes)
    {
        Assert.True(MemoryLimit.TryParse(text, out MemoryLimit limit));
        Assert.Equal(bytes, limit.Resolve(1000));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("0%")]
    [InlineData("101%")]
    [InlineData("NaN%")]
    [InlineData("9999999999GiB")]
    [InlineData("99999999999999999999TiB")]
    [InlineData("-5MiB")]
    [InlineData("much")]
    [InlineData(null)]
    public void What_is_no_limit_is_refused(string? text) => Assert.False(MemoryLimit.TryParse(text, out _));
}
