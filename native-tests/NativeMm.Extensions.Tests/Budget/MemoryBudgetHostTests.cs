using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Extensions.Tests.Budget;

public sealed class MemoryBudgetHostTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);

    /// <summary>The limit is as large as the machine, so that the tests that run beside this one do not notice.</summary>
    [Fact]
    public async Task Collector_has_the_budgets_limit_from_the_start_of_the_host_to_its_end()
    {
        long before = Available();
        using IHost host = Build(options => options.TotalMemoryLimit = MemoryLimit.FromShare(1));
        await host.StartAsync().WaitAsync(s_timeout);
        MemoryBudget budget = host.Services.GetRequiredService<MemoryBudget>();
        Assert.InRange(budget.TotalBytes, 128L << 20, long.MaxValue);
        Assert.InRange(budget.ManagedLimitBytes, 1, budget.TotalBytes - budget.MarginBytes);
        Assert.InRange(Available(), 1, budget.TotalBytes - budget.MarginBytes);
        await host.StopAsync().WaitAsync(s_timeout);
        Assert.Equal(before, Available());
        Assert.Equal(0, budget.ManagedLimitBytes);
        Assert.True(budget.Steps > 0);
    }

    [Fact]
    public async Task Of_two_budgets_in_a_process_the_lower_holds_and_the_last_to_end_gives_the_limit_back()
    {
        long before = Available();
        using IHost first = Build(options => options.TotalMemoryLimit = MemoryLimit.FromShare(0.9));
        using IHost second = Build(options => options.TotalMemoryLimit = MemoryLimit.FromShare(1));
        await first.StartAsync().WaitAsync(s_timeout);
        await second.StartAsync().WaitAsync(s_timeout);
        MemoryBudget low = first.Services.GetRequiredService<MemoryBudget>();
        Assert.InRange(Available(), 1, low.TotalBytes - low.MarginBytes);
        await first.StopAsync().WaitAsync(s_timeout);
        MemoryBudget high = second.Services.GetRequiredService<MemoryBudget>();
        Assert.InRange(Available(), 1, high.TotalBytes - high.MarginBytes);
        await second.StopAsync().WaitAsync(s_timeout);
        Assert.Equal(before, Available());
    }

    [Fact]
    public void Lowest_wish_is_the_collectors_limit()
    {
        long before = Available();
        (object low, object high) = (new(), new());
        Assert.True(ManagedLimit.TrySet(low, before / 16 * 14));
        Assert.True(ManagedLimit.TrySet(high, before / 16 * 15));
        Assert.Equal(before / 16 * 14, Available());
        Assert.False(ManagedLimit.TrySet(high, 1000));
        Assert.Equal(before / 16 * 14, Available());
        ManagedLimit.End(low);
        Assert.Equal(before / 16 * 15, Available());
        ManagedLimit.End(low);
        ManagedLimit.End(high);
        Assert.Equal(before, Available());
    }

    [Theory]
    [InlineData(nameof(IHostedLifecycleService.StartingAsync))]
    [InlineData(nameof(IHostedService.StartAsync))]
    [InlineData(nameof(IHostedLifecycleService.StartedAsync))]
    public async Task Host_that_fails_to_start_leaves_the_collector_its_limit(string where)
    {
        long before = Available();
        using (IHost host = Build(options => options.TotalMemoryLimit = MemoryLimit.FromShare(0.9), services => services.AddHostedService(_ => new Failing(where))))
        {
            InvalidOperationException thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync().WaitAsync(s_timeout));
            Assert.Equal(nameof(Failing), thrown.Message);

            // Also where nobody disposes the host.
            Assert.Equal(before, Available());
            Assert.Equal(0, host.Services.GetRequiredService<MemoryBudget>().Steps);
        }

        Assert.Equal(before, Available());
    }

    /// <summary>The framework keeps the lifetime object of such a host; nothing of ours may hang on it.</summary>
    [Theory]
    [InlineData(nameof(IHostedLifecycleService.StartingAsync))]
    [InlineData(nameof(IHostedService.StartAsync))]
    [InlineData(nameof(IHostedLifecycleService.StartedAsync))]
    public async Task Host_that_failed_to_start_and_is_forgotten_leaves_no_runtime(string where)
    {
        WeakReference runtime = await FailAndForget(where);
        var clock = Stopwatch.StartNew();
        while (runtime.IsAlive)
        {
            Assert.True(clock.Elapsed < s_timeout, "The runtime of a forgotten host is still held.");
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(10);
        }
    }

    [Fact]
    public async Task Without_a_limit_the_collector_is_left_alone()
    {
        using IHost host = Build(_ => { });
        await host.StartAsync().WaitAsync(s_timeout);
        Assert.Equal(0, host.Services.GetRequiredService<MemoryBudget>().Steps);
        await host.StopAsync().WaitAsync(s_timeout);
    }

    [Fact]
    public void Handler_that_fails_does_not_keep_the_next_one_from_being_asked()
    {
        Assert.Equal(1000, Ask(_ => throw new InvalidOperationException("mine"), bytes => bytes / 2, bytes => bytes));
    }

    /// <summary>A handler that wants the budget to know how much there is, which is made with the handlers.</summary>
    [Fact]
    public async Task Handler_may_have_the_budget_injected()
    {
        using IHost host = Build(
            options => options.TotalMemoryLimit = MemoryLimit.FromShare(1), services => services.AddSingleton<IMemoryPressureHandler, HandlerWithBudget>());
        await Task.Run(() => host.StartAsync()).WaitAsync(s_timeout);
        Assert.Equal(host.Services.GetRequiredService<MemoryBudget>().TotalBytes, host.Services.GetRequiredService<IBudgetSystem>().AskHandlers(long.MaxValue));
        await host.StopAsync().WaitAsync(s_timeout);
    }

    [Fact]
    public async Task Handler_that_cannot_be_made_stops_the_start()
    {
        using IHost host = Build(
            options => options.TotalMemoryLimit = MemoryLimit.FromShare(1),
            services => services.AddSingleton<IMemoryPressureHandler>(_ => throw new InvalidOperationException("mine")));
        InvalidOperationException thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync().WaitAsync(s_timeout));
        Assert.Equal("mine", thrown.Message);
    }

    /// <summary>Somebody disposed the runtime; the handlers are still asked for what the service has.</summary>
    [Fact]
    public void Runtime_that_cannot_be_trimmed_does_not_keep_the_others_from_it()
    {
        using IHost host = Build(_ => { });
        IBudgetSystem system = host.Services.GetRequiredService<IBudgetSystem>();
        host.Services.GetRequiredService<MemoryRuntime>().Dispose();
        Assert.InRange(system.TrimCaches(), 0, long.MaxValue);
    }

    [Fact]
    public void What_handlers_say_of_themselves_stays_a_sum() => Assert.Equal(long.MaxValue, Ask(_ => long.MinValue, _ => 1, _ => long.MaxValue, _ => 1));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> FailAndForget(string where)
    {
        IHost host = Build(options => options.TotalMemoryLimit = MemoryLimit.FromShare(0.9), services => services.AddHostedService(_ => new Failing(where)));
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync().WaitAsync(s_timeout));
        return new WeakReference(host.Services.GetRequiredService<MemoryRuntime>());
    }

    private static long Ask(params Func<long, long>[] handlers)
    {
        using IHost host = Build(_ => { }, services => Array.ForEach(handlers, one => services.AddSingleton<IMemoryPressureHandler>(new Handler(one))));
        return host.Services.GetRequiredService<IBudgetSystem>().AskHandlers(1000);
    }

    private static long Available() => GC.GetGCMemoryInfo(GCKind.Any).TotalAvailableMemoryBytes;

    private static IHost Build(Action<NativeMmOptions> configure, Action<IServiceCollection>? more = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddNativeMm(options =>
        {
            options.CapacityBytes = 64 << 20;
            configure(options);
        });
        more?.Invoke(builder.Services);
        return builder.Build();
    }

    private sealed class Failing(string where) : IHostedLifecycleService
    {
        public Task StartingAsync(CancellationToken cancellationToken) => Fail();

        public Task StartAsync(CancellationToken cancellationToken) => Fail();

        public Task StartedAsync(CancellationToken cancellationToken) => Fail();

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        private Task Fail([CallerMemberName] string call = "") => call == where ? throw new InvalidOperationException(nameof(Failing)) : Task.CompletedTask;
    }

    private sealed class HandlerWithBudget(MemoryBudget budget) : IMemoryPressureHandler
    {
        public long Release(long bytes) => budget.TotalBytes;
    }

    private sealed class Handler(Func<long, long> release) : IMemoryPressureHandler
    {
        public long Release(long bytes) => release(bytes);
    }
}
