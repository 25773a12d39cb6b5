import time
from fault_users import Users
from fault_shop import sound
def test_smoke(shop):
    t=time.time()
    shop.release("1.0"); print("first", time.time()-t); t=time.time()
    with Users(shop.listen) as users:
        r=shop.release("2.0"); print("second", time.time()-t)
        print(shop.told(), users.told())
    sound(shop, r)
    print(shop.starts(), shop.processes())
