using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
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
        using IHost host = Build(_ => { }, new Handler(_ => throw new InvalidOperationException("mine")), new Handler(bytes => bytes / 2), new Handler(bytes => bytes));
        Assert.Equal(1000, host.Services.GetRequiredService<IBudgetSystem>().AskHandlers(1000));
    }

    private static long Available() => GC.GetGCMemoryInfo(GCKind.Any).TotalAvailableMemoryBytes;

    private static IHost Build(Action<NativeMmOptions> configure, params IMemoryPressureHandler[] handlers)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddNativeMm(options =>
        {
            options.CapacityBytes = 64 << 20;
            configure(options);
        });
        foreach (IMemoryPressureHandler handler in handlers)
        {
            builder.Services.AddSingleton(handler);
        }

        return builder.Build();
    }

    private sealed class Handler(Func<long, long> release) : IMemoryPressureHandler
    {
        public long Release(long bytes) => release(bytes);
    }
}
