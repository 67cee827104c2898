"""Everyday phrases; the first forty are the commonest and come most often."""

_TABLE = """
How are you?|お元気ですか？
Good morning.|おはようございます。
Good evening.|こんばんは。
Good night.|おやすみなさい。
Hello.|こんにちは。
Thank you.|ありがとうございます。
Thank you very much.|どうもありがとうございます。
You are welcome.|どういたしまして。
Goodbye.|さようなら。
See you tomorrow.|また明日。
I am sorry.|ごめんなさい。
Excuse me.|すみません。
Yes.|はい。
No.|いいえ。
Nice to meet you.|はじめまして。
What is your name?|お名前は何ですか？
My name is Hana.|私の名前はハナです。
I am fine.|元気です。
I love you.|愛しています。
I am hungry.|お腹がすきました。
I am tired.|疲れました。
What time is it?|何時ですか？
Where are you from?|どこから来ましたか？
I am from Japan.|日本から来ました。
How much is this?|これはいくらですか？
I do not understand.|わかりません。
I understand.|わかりました。
Please.|お願いします。
Congratulations!|おめでとうございます！
Happy birthday!|お誕生日おめでとう！
Good luck!|頑張ってください！
Welcome.|ようこそ。
It is hot today.|今日は暑いです。
It is cold today.|今日は寒いです。
The weather is nice.|天気がいいです。
It is raining.|雨が降っています。
I am happy.|うれしいです。
I am a student.|私は学生です。
Where is the station?|駅はどこですか？
This is delicious.|これはおいしいです。
It is snowing.|雪が降っています。
The sky is blue.|空は青いです。
The cat is sleeping.|猫が寝ています。
The dog is running.|犬が走っています。
The bird is singing.|鳥が歌っています。
The moon is beautiful.|月がきれいです。
The flower is red.|花は赤いです。
The sea is wide.|海は広いです。
The mountain is high.|山は高いです。
The book is interesting.|この本はおもしろいです。
I am a teacher.|私は先生です。
I am a cat.|私は猫です。
I am Japanese.|私は日本人です。
I am sad.|悲しいです。
I am busy.|忙しいです。
I am cold.|寒いです。
I am sleepy.|眠いです。
I am thirsty.|のどがかわきました。
I am lost.|道に迷いました。
I am late.|遅れました。
I am home.|ただいま。
Welcome home.|おかえりなさい。
I am leaving.|行ってきます。
Take care.|気をつけて。
Help me!|助けて！
Be careful.|気をつけてください。
Wait a moment, please.|少々お待ちください。
Please sit down.|座ってください。
Please come in.|お入りください。
Please speak slowly.|ゆっくり話してください。
Please say it again.|もう一度言ってください。
Please help me.|手伝ってください。
Please listen.|聞いてください。
Please look.|見てください。
Please open the window.|窓を開けてください。
Please close the door.|ドアを閉めてください。
Please write your name.|名前を書いてください。
Do you speak English?|英語を話しますか？
Do you speak Japanese?|日本語を話しますか？
I speak a little Japanese.|日本語を少し話します。
I study Japanese every day.|毎日日本語を勉強します。
I read a book.|本を読みます。
I drink tea.|お茶を飲みます。
I drink water.|水を飲みます。
I eat bread.|パンを食べます。
I eat rice every day.|毎日ご飯を食べます。
I go to school.|学校に行きます。
I go to work.|仕事に行きます。
I go home.|家に帰ります。
I get up at six.|六時に起きます。
I go to bed at ten.|十時に寝ます。
I listen to music.|音楽を聞きます。
I watch a movie.|映画を見ます。
I write a letter.|手紙を書きます。
I take a bath.|お風呂に入ります。
I play the piano.|ピアノを弾きます。
I live in Tokyo.|東京に住んでいます。
I live in Osaka.|大阪に住んでいます。
I have a dog.|犬を飼っています。
I have a cat.|猫を飼っています。
I have a question.|質問があります。
I have no money.|お金がありません。
I have a headache.|頭が痛いです。
I want to go to Japan.|日本に行きたいです。
I want to eat sushi.|寿司が食べたいです。
I want to sleep.|寝たいです。
I want to see the sea.|海が見たいです。
I think so too.|私もそう思います。
I do not know.|知りません。
I forgot.|忘れました。
I remember.|覚えています。
I lost my key.|鍵をなくしました。
I bought a book.|本を買いました。
I ate an apple.|りんごを食べました。
I saw a dragon.|ドラゴンを見ました。
I met a friend.|友だちに会いました。
What is this?|これは何ですか？
What is that?|あれは何ですか？
Who is that?|あの人はだれですか？
Who are you?|あなたはだれですか？
Where are you?|どこにいますか？
Where do you live?|どこに住んでいますか？
When is your birthday?|誕生日はいつですか？
Why?|なぜですか？
How old are you?|何歳ですか？
I am ten years old.|十歳です。
What day is it today?|今日は何曜日ですか？
Today is Monday.|今日は月曜日です。
Today is Sunday.|今日は日曜日です。
Tomorrow is Friday.|明日は金曜日です。
What are you doing?|何をしていますか？
What do you like?|何が好きですか？
What do you want to eat?|何が食べたいですか？
Are you okay?|大丈夫ですか？
I am okay.|大丈夫です。
Are you busy?|忙しいですか？
Are you tired?|疲れましたか？
Are you hungry?|お腹がすきましたか？
Is it far?|遠いですか？
It is near.|近いです。
It is far.|遠いです。
It is expensive.|高いです。
It is cheap.|安いです。
It is big.|大きいです。
It is small.|小さいです。
It is new.|新しいです。
It is old.|古いです。
It is easy.|簡単です。
It is difficult.|難しいです。
It is beautiful.|きれいです。
It is interesting.|おもしろいです。
It is fun.|楽しいです。
It is quiet.|静かです。
It is true.|本当です。
Really?|本当ですか？
Of course.|もちろんです。
No problem.|問題ありません。
That is right.|その通りです。
That is wrong.|違います。
Maybe.|たぶん。
Let us go.|行きましょう。
Let us eat.|食べましょう。
Let us play.|遊びましょう。
Let us begin.|始めましょう。
Let us take a rest.|休みましょう。
See you later.|また後で。
See you next week.|また来週。
Have a nice day.|よい一日を。
Have a nice trip.|よい旅を。
Good job.|よくできました。
Long time no see.|お久しぶりです。
Happy New Year!|明けましておめでとうございます！
Cheers!|乾杯！
I am looking forward to it.|楽しみにしています。
Spring is warm.|春は暖かいです。
Summer is hot.|夏は暑いです。
Autumn is cool.|秋は涼しいです。
Winter is cold.|冬は寒いです。
The train is late.|電車が遅れています。
The bus is coming.|バスが来ます。
The shop is open.|店は開いています。
The shop is closed.|店は閉まっています。
The coffee is hot.|コーヒーは熱いです。
The water is cold.|水は冷たいです。
The room is dark.|部屋は暗いです。
The baby is crying.|赤ちゃんが泣いています。
The children are playing.|子どもたちが遊んでいます。
My mother is a doctor.|母は医者です。
My father is a teacher.|父は先生です。
My brother is tall.|兄は背が高いです。
My sister is kind.|姉は親切です。
She is a singer.|彼女は歌手です。
He is a cook.|彼は料理人です。
He is my friend.|彼は私の友だちです。
She is my friend.|彼女は私の友だちです。
We are friends.|私たちは友だちです。
They are students.|彼らは学生です。
There is a cat under the table.|テーブルの下に猫がいます。
There is a book on the desk.|机の上に本があります。
There is a bird in the tree.|木に鳥がいます。
There are many people.|人がたくさんいます。
The dragon is kind.|ドラゴンはやさしいです。
The stars are bright.|星が明るいです。
The wind is strong.|風が強いです。
Time is money.|時は金なり。
Even monkeys fall from trees.|猿も木から落ちる。
Turn right.|右に曲がってください。
Turn left.|左に曲がってください。
Go straight.|まっすぐ行ってください。
Call a doctor!|医者を呼んでください！
The bill, please.|お会計をお願いします。
I will have this.|これにします。
Can I take a picture?|写真を撮ってもいいですか？
Can you help me?|手伝ってもらえますか？
Can you swim?|泳げますか？
I can swim.|泳げます。
I can not swim.|泳げません。
"""

PAIRS: list[tuple[str, str]] = [tuple(line.split("|")) for line in _TABLE.strip().splitlines()]
